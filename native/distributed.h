#pragma once

#include <stdexcept>

namespace mlxjs {

// Whether this process has joined a group of several.
bool has_peers();

// Remembers it if the error says that a peer was lost. MLX stops talking to it,
// but goes on waiting: whatever communicates later would never end.
void note_lost_peer(const std::runtime_error& error);

} // namespace mlxjs
