#include "bind.h"

namespace mlxjs {

namespace {

std::vector<mx::array> linalg_qr(const mx::array& a, mx::StreamOrDevice s) {
  auto [q, r] = mx::linalg::qr(a, s);
  return {q, r};
}

} // namespace

const std::vector<Binding> linalg_bindings{
    LOCAL(linalg_qr),
};

} // namespace mlxjs
