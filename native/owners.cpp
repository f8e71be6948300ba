#include "owners.h"

#include <algorithm>

#include "bind.h"

namespace mlxjs {

napi_value Owners::value(napi_ref reference) const {
  napi_value out = nullptr;
  napi_get_reference_value(env_, reference, &out);
  return out;
}

void Owners::add(napi_value owner) {
  if (references_.size() >= most_) {
    sweep();
    most_ = std::max(size_t(256), 2 * references_.size());
  }
  napi_ref reference;
  auto status = napi_create_reference(env_, owner, 0, &reference);
  check(status, "an object");
  references_.push_back(reference);
}

// Removes references to dead objects, and the list.
void Owners::sweep() {
  std::erase_if(references_, [this](auto reference) {
    Napi::HandleScope scope(env_);
    bool dead = value(reference) == nullptr;
    if (dead) {
      napi_delete_reference(env_, reference);
    }
    return dead;
  });
  if (list_ != nullptr) {
    napi_delete_reference(env_, list_);
    list_ = nullptr;
  }
  listed_ = 0;
}

napi_value Owners::settled() {
  auto out = list_ == nullptr ? nullptr : value(list_);
  if (out == nullptr) {
    sweep();
    listed_ = references_.size();
    napi_create_array_with_length(env_, listed_, &out);
    for (uint32_t i = 0; i < listed_; i++) {
      napi_set_element(env_, out, i, value(references_[i]));
    }
    napi_create_reference(env_, out, 0, &list_);
  }
  return out;
}

std::vector<napi_value> Owners::recent() const {
  std::vector<napi_value> out;
  for (auto i = listed_; i < references_.size(); i++) {
    if (auto owner = value(references_[i])) {
      out.push_back(owner);
    }
  }
  return out;
}

void Owners::clear() {
  for (auto reference : references_) {
    napi_delete_reference(env_, reference);
  }
  references_.clear();
  sweep();
}

namespace {

void own(Environment& e, Same owner) {
  e.owners.add(owner.value);
}

Same settled_owners(Environment& e) {
  return {e.owners.settled()};
}

// Calls a function with the recent owners as its arguments. A list of them
// would be garbage soon, but V8, while it marks its heap, would take it for
// alive with all that is in it.
void visit_recent_owners(Environment& e, Napi::Value visit) {
  constexpr size_t at_once = 256;
  auto owners = e.owners.recent();
  for (size_t i = 0; i < owners.size(); i += at_once) {
    auto n = std::min(at_once, owners.size() - i);
    auto begin = owners.data() + i;
    napi_value undefined;
    napi_get_undefined(e.env, &undefined);
    if (napi_call_function(e.env, undefined, visit, n, begin, nullptr) ==
        napi_pending_exception) {
      throw Pending{};
    }
  }
}

} // namespace

const std::vector<Binding> owner_bindings{
    LOCAL(own),
    LOCAL(settled_owners),
    LOCAL(visit_recent_owners),
};

} // namespace mlxjs
