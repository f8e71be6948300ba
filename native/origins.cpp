#include "origins.h"

#include "bind.h"

namespace mlxjs {

std::exception_ptr EvaluationError::of(
    const std::exception_ptr& error,
    const std::string& operation,
    std::shared_ptr<const std::string> calls) {
  try {
    std::rethrow_exception(error);
  } catch (const EvaluationError&) {
    // The error comes from another evaluation, that of an input.
    return error;
  } catch (const std::exception& e) {
    EvaluationError out(e, error);
    // Our own checks say whose they are.
    out.operation = operation.starts_with("Check") ? "" : operation;
    out.calls = std::move(calls);
    return std::make_exception_ptr(out);
  } catch (...) {
    return error;
  }
}

Origins& Origins::of_thread() {
  static thread_local Origins origins;
  return origins;
}

void Origins::note(const mx::array& a, std::string calls) {
  if (known_.size() >= most_) {
    std::erase_if(
        known_, [](auto& entry) { return !entry.second.array.lock(); });
    most_ = std::max(size_t(1024), 2 * known_.size());
  }
  // The calls that made it come first; others may give the same array again.
  known_.try_emplace(
      a.id(),
      Known{
          WeakArray(a), std::make_shared<const std::string>(std::move(calls))});
}

Origins::Calls Origins::of(const mx::array& a) const {
  auto found = known_.find(a.id());
  return found == known_.end() ? nullptr : found->second.calls;
}

namespace {

void note_origin(const mx::array& a, std::string calls) {
  Origins::of_thread().note(a, std::move(calls));
}

void forget_origins() {
  Origins::of_thread().clear();
}

} // namespace

const std::vector<Binding> origin_bindings{
    LOCAL(note_origin),
    LOCAL(forget_origins),
};

} // namespace mlxjs
