#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "file.h"

namespace mlxjs::exported {

// What an operation's outputs have to fulfil.
using Verdict = std::function<bool(const std::vector<mx::array>& outputs)>;

// Reads an operation's state and makes the operation of these inputs once more.
using Rule =
    std::function<Verdict(File&, const std::vector<mx::array>& inputs)>;

// Those of all operations, by the names that files give them.
const std::unordered_map<std::string, Rule>& rules();

} // namespace mlxjs::exported
