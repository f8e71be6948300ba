#pragma once

#include <functional>
#include <vector>

#include "environment.h"

namespace mlxjs {

// Whether a transformation of a function is under way. MLX tells that only of
// an array.
bool tracing();

// Whether a function is traced for arrays of all shapes: its graph is checked
// each time that it is called.
bool is_for_all_shapes(const mx::array& traced);

// MLX goes through graphs recursively, from each of a list of outputs to what
// it has not met before. A graph that is deeper than the thread's stack would
// end the process.

// How many operations after each other MLX can go through now.
size_t deepest_graph();

// How many the graph has.
size_t depth_of(const std::vector<mx::array>& outputs);

// Calls f with every array of the graph, inputs before what uses them.
void in_order(
    const std::vector<mx::array>& outputs,
    const std::function<void(const mx::array&)>& f);

// Calls f with every array of the graph except those that it starts from, in no
// certain order; if an operation has several outputs, with only one of them.
void visit(
    const std::vector<mx::array>& outputs,
    const std::vector<mx::array>& starts,
    const std::function<void(mx::array&)>& f);

// Frees what only the graph of an array holds that is about to be freed itself.
void free_graph(mx::array& a);

// Arrays within the graph that MLX has to be given before the outputs, so that
// it never has to go deeper than the stack has room for: from one of them to
// the next, and from the last to the outputs. There are none if the graph is
// not that deep. Calls `met` with every array on its way, inputs before what
// uses them. What the arrays are made from that the graph starts from is left
// out.
std::vector<mx::array> waypoints(
    const std::vector<mx::array>& outputs,
    const std::function<void(const mx::array&)>& met = {},
    const std::vector<mx::array>& starts = {});

// The outputs behind such waypoints, which count as constants to
// transformations.
struct Route {
  std::vector<mx::array> outputs;
  size_t waypoints;
};
Route route(
    std::vector<mx::array> outputs,
    const std::function<void(const mx::array&)>& met = {},
    const std::vector<mx::array>& starts = {});

} // namespace mlxjs
