#pragma once

#include <functional>
#include <vector>

#include "environment.h"

namespace mlxjs {

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

// Calls f with every array of the graph but those that it starts from, in no
// certain order; of several outputs of an operation with only one.
void visit(
    const std::vector<mx::array>& outputs,
    const std::vector<mx::array>& starts,
    const std::function<void(mx::array&)>& f);

// Frees an array, and with it what only its graph holds.
void let_go(mx::array a);

// Arrays of the graph at which MLX has to call before it goes to the outputs:
// from one to the next, and from the last to the outputs, it is never deeper
// than it can go. None, if the graph is not that deep. Calls `met` with every
// array on its way, inputs before what uses them.
std::vector<mx::array> waypoints(
    const std::vector<mx::array>& outputs,
    const std::function<void(const mx::array&)>& met = {});

// The outputs, after waypoints that count as constants to transformations.
struct Route {
  std::vector<mx::array> outputs;
  size_t waypoints;
};
Route route(
    std::vector<mx::array> outputs,
    const std::function<void(const mx::array&)>& met = {});

} // namespace mlxjs
