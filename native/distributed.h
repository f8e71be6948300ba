#pragma once

#include <stdexcept>

namespace mlxjs {

// Whether this process has joined a group of several.
bool has_peers();

// Notes if the error says that a peer was lost. MLX stops talking to that peer
// but goes on waiting for it, so that later communication would never end.
void note_lost_peer(const std::runtime_error& error);

} // namespace mlxjs
