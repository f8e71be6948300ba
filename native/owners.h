#pragma once

#include <vector>

#include <napi.h>

namespace mlxjs {

// The JavaScript objects whose fields keep the arrays that they hold. They are
// known here, but not kept alive. A `WeakRef` that is asked for its object
// keeps it until the event loop turns, which never happens in a plain loop; a
// weak reference of Node-API does not.
class Owners {
 public:
  explicit Owners(napi_env env) : env_(env) {}
  void add(napi_value owner);
  // A list of those that were alive when garbage was last collected, some of
  // which may be dead. To ask for each takes some 60 ns, so they are asked for
  // once; nothing keeps the list alive, so the next collection takes it.
  napi_value settled();
  // Those that were added since.
  std::vector<napi_value> recent() const;
  // At the end of the environment.
  void clear();

 private:
  napi_value value(napi_ref reference) const;
  void sweep();

  napi_env env_;
  std::vector<napi_ref> references_;
  napi_ref list_ = nullptr;
  // How many of the references are in the list.
  size_t listed_ = 0;
  // When there are more than this, references to dead objects are removed.
  size_t most_ = 256;
};

} // namespace mlxjs
