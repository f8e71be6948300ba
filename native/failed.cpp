#include "failed.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "products.h"

namespace mlxjs {

namespace {

// An array's only member, which has no accessor. Naming a private member is
// allowed where a template is instantiated.
template <auto Member>
struct SharedPart {
  friend auto& shared_part(mx::array& a) {
    return a.*Member;
  }
};
auto& shared_part(mx::array& a);
template struct SharedPart<&mx::array::array_desc_>;

// As it was before it was evaluated.
void forget_values(mx::array& a) {
  a.set_status(mx::array::Status::unscheduled);
  a.attach_event({});
  a.copy_shared_buffer(mx::array(a.shape(), a.dtype(), nullptr, {}));
}

} // namespace

void Failed::mark(mx::array a, const std::exception_ptr& error) {
  if (error_of(a)) {
    // It keeps its first error.
    a.attach_event({});
    return;
  }
  auto stream = a.has_primitive() ? a.primitive().stream()
                                  : mx::default_stream(mx::default_device());
  auto failed = std::make_shared<Failed>(stream, error);
  for (auto& output : a.outputs()) {
    forget_values(output);
    output.primitive_ptr() = failed;
    // A transformation that is under way goes on to its inputs, and must find
    // that it fails on the way.
    if (!output.is_tracer()) {
      output.inputs().clear();
    }
  }
}

std::exception_ptr Failed::error_of(const mx::array& a) {
  if (!a.has_primitive()) {
    return nullptr;
  }
  auto& p = a.primitive();
  return typeid(p) == typeid(Failed) ? static_cast<Failed&>(p).error_ : nullptr;
}

Kinds& Kinds::of_thread() {
  static thread_local Kinds kinds;
  return kinds;
}

Kind Kinds::find(mx::Primitive& p) {
  take_over(p);
  // MLX does not export the types of its own.
  static constexpr std::array<std::string_view, 9> views{
      "AsStrided",
      "Broadcast",
      "BroadcastAxes",
      "ExpandDims",
      "Slice",
      "Split",
      "Squeeze",
      "StopGradient",
      "Transpose"};
  // What a task of theirs throws depends on values, on files or on other
  // processes.
  static constexpr std::array<std::string_view, 15> risks{
      "Inverse",
      "Cholesky",
      "LUF",
      "QRF",
      "SVD",
      "Eig",
      "Eigh",
      "Load",
      "AllReduce",
      "AllGather",
      "Send",
      "Recv",
      "ReduceScatter",
      "CheckIndices",
      "CheckFactor"};
  auto is_among = [name = std::string_view(p.name())](const auto& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return typeid(p) == typeid(Failed) ? Kind::failed
      : is_among(risks)              ? Kind::may_fail
      : is_among(views)              ? Kind::view
                                     : Kind::usual;
}

long holders_of(const mx::array& a) {
  return shared_part(const_cast<mx::array&>(a)).use_count();
}

WeakArray::WeakArray(const mx::array& a)
    : shared_(shared_part(const_cast<mx::array&>(a))) {}

std::optional<mx::array> WeakArray::lock() const {
  auto shared = shared_.lock();
  if (!shared) {
    return std::nullopt;
  }
  // Making one takes longer than copying it.
  static const auto& any = *new mx::array({}, mx::bool_, nullptr, {});
  auto out = any;
  auto& part = shared_part(out);
  using Part = std::remove_cvref_t<decltype(part)>;
  part = std::static_pointer_cast<typename Part::element_type>(shared);
  return out;
}

} // namespace mlxjs
