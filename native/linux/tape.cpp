#include "tape.h"

#include <cstring>
#include <memory>
#include <unordered_map>
#include <unordered_set>

#include "mlx/backend/cpu/encoder.h"
#include "mlx/utils.h"

namespace mlxjs {

namespace mx = mlx::core;

namespace {

using Arrays = const std::vector<mx::array>;

// The graph that a compiled operation is made of is private to it. An explicit
// instantiation may name what is private.
struct Inputs {};
struct Outputs {};
struct Tape {};
Arrays mx::Compiled::* part(Inputs);
Arrays mx::Compiled::* part(Outputs);
Arrays mx::Compiled::* part(Tape);

template <typename Name, Arrays mx::Compiled::* member>
struct Open {
  friend Arrays mx::Compiled::* part(Name) {
    return member;
  }
};

template struct Open<Inputs, &mx::Compiled::inputs_>;
template struct Open<Outputs, &mx::Compiled::outputs_>;
template struct Open<Tape, &mx::Compiled::tape_>;

// A view of an array as one of a larger shape, as MLX's Broadcast makes it.
mx::array broadcast(const mx::array& in, const mx::Shape& shape) {
  mx::array out(shape, in.dtype(), nullptr, {});
  if (out.size() == 0) {
    out.set_data(mx::allocator::malloc(0));
    return out;
  }
  mx::Strides strides(shape.size(), 0);
  auto more = shape.size() - in.ndim();
  for (size_t i = 0; i < in.ndim(); i++) {
    strides[i + more] = in.shape()[i] == 1 ? 0 : in.strides()[i];
  }
  auto flags = in.flags();
  if (out.size() > in.size()) {
    flags.row_contiguous = flags.col_contiguous = false;
  }
  out.copy_shared_buffer(in, strides, flags, in.data_size());
  return out;
}

// Keeps things until the stream has done all that it has been given.
template <typename T>
void keep_until_done(mx::Stream stream, T things) {
  mx::cpu::get_command_encoder(stream).dispatch(
      [things = std::move(things)] {});
}

// As MLX evaluates an operation: buffers stay until the stream has done it, and
// those that nobody else has are used again.
mx::array evaluate(const mx::array& traced, std::vector<mx::array> inputs) {
  auto shape = inputs[0].shape();
  for (auto& in : inputs) {
    shape = mx::broadcast_shapes(shape, in.shape());
  }
  for (auto& in : inputs) {
    if (in.shape() != shape) {
      in = broadcast(in, shape);
    }
  }
  std::vector<mx::array> outputs{
      {shape, traced.dtype(), nullptr, std::vector<mx::array>{}}};
  auto& primitive = const_cast<mx::array&>(traced).primitive();
  auto stream = primitive.stream();
  try {
    primitive.eval_cpu(inputs, outputs);
  } catch (...) {
    keep_until_done(stream, std::move(inputs));
    throw;
  }
  auto& out = outputs[0];
  std::unordered_set<std::shared_ptr<mx::array::Data>> buffers;
  for (auto& in : inputs) {
    if (in.data_shared_ptr() != out.data_shared_ptr()) {
      buffers.insert(in.data_shared_ptr());
    }
  }
  auto& encoder = mx::cpu::get_command_encoder(stream);
  keep_until_done(
      stream, std::pair(std::move(buffers), std::move(encoder.temporaries())));
  return out;
}

} // namespace

void evaluate_tape(
    mx::Compiled& compiled,
    const std::vector<mx::array>& inputs,
    std::vector<mx::array>& outputs) {
  auto& traced_inputs = compiled.*part(Inputs());
  auto& traced_outputs = compiled.*part(Outputs());
  auto& tape = compiled.*part(Tape());

  std::unordered_map<uintptr_t, int> uses;
  for (auto& a : tape) {
    for (auto& in : a.inputs()) {
      uses[in.id()]++;
    }
  }
  for (auto& a : traced_outputs) {
    uses[a.id()]++;
  }
  std::unordered_map<uintptr_t, mx::array> values;
  for (size_t i = 0; i < inputs.size(); i++) {
    values.insert({traced_inputs[i].id(), inputs[i]});
  }
  // Lets go of it where nothing else needs it.
  auto take = [&](const mx::array& a) {
    auto found = values.find(a.id());
    auto value = found->second;
    if (--uses[a.id()] == 0) {
      values.erase(found);
    }
    return value;
  };
  try {
    for (auto& a : tape) {
      std::vector<mx::array> arguments;
      for (auto& in : a.inputs()) {
        arguments.push_back(take(in));
      }
      // What needs a shape gets it from what it is computed with.
      bool same = std::strcmp(a.primitive().name(), "Broadcast") == 0;
      values.insert_or_assign(
          a.id(), same ? arguments[0] : evaluate(a, std::move(arguments)));
    }
  } catch (...) {
    // The stream may not have come to them yet.
    keep_until_done(compiled.stream(), std::move(values));
    throw;
  }
  for (size_t i = 0; i < outputs.size(); i++) {
    auto value = take(traced_outputs[i]);
    outputs[i].copy_shared_buffer(
        value.shape() == outputs[i].shape()
            ? value
            : broadcast(value, outputs[i].shape()));
  }
}

} // namespace mlxjs
