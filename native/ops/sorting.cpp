#include "../bind.h"

namespace mlxjs {

namespace {

using Axis = std::optional<std::vector<int>>;

using SortAlong = mx::array (*)(const mx::array&, int, mx::StreamOrDevice);
using SortAll = mx::array (*)(const mx::array&, mx::StreamOrDevice);

// Along the axis given, or of the flattened array.
template <SortAlong Along, SortAll All>
mx::array sorted(const mx::array& a, Axis axis, mx::StreamOrDevice s) {
  return axis ? Along(a, axis->at(0), s) : All(a, s);
}

#define SORT(name) bind<&sorted<&mx::name, &mx::name>>(#name)

using SelectAlong =
    mx::array (*)(const mx::array&, int, int, mx::StreamOrDevice);
using SelectAll = mx::array (*)(const mx::array&, int, mx::StreamOrDevice);

// The same with a place or a count.
template <SelectAlong Along, SelectAll All>
mx::array selected(const mx::array& a, int k, Axis axis, mx::StreamOrDevice s) {
  return axis ? Along(a, k, axis->at(0), s) : All(a, k, s);
}

#define SELECT(name) bind<&selected<&mx::name, &mx::name>>(#name)

std::vector<mx::array> unique(
    const mx::array& a,
    int size,
    bool index,
    bool inverse,
    bool counts,
    std::optional<Operand> fill,
    mx::StreamOrDevice s) {
  auto value = fill ? std::optional(fill->beside(a.dtype())) : std::nullopt;
  return mx::unique(a, size, index, inverse, counts, value, s);
}

} // namespace

const std::vector<Binding> sorting{
    SORT(sort),
    SORT(argsort),
    SELECT(partition),
    SELECT(argpartition),
    SELECT(topk),
    BIND(
        mx::array (*)(
            const mx::array&,
            const mx::array&,
            const std::string&,
            mx::StreamOrDevice),
        searchsorted),
    LOCAL(unique),
};

} // namespace mlxjs
