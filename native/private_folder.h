#pragma once

#include <filesystem>

namespace mlxjs {

// Whether nobody but this user and the system can put something else under this
// name: each folder on the way to it, also by links, belongs to one of them,
// and others cannot write to it, or only add to it, as to /tmp.
bool is_guarded(const std::filesystem::path& path);

// Whether it is also a folder of this user's that others cannot write to.
bool is_private_folder(const std::filesystem::path& path);

// Makes a folder and, where they are not there yet, those above it, for this
// user alone. Tells whether the folder is private then.
bool make_private_folder(const std::filesystem::path& path);

} // namespace mlxjs
