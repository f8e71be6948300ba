#pragma once

#include <napi.h>

namespace mlxjs {

// On the CPU, MLX compiles the kernels of mx.compile with the system's
// compiler, into a folder under the temporary directory that everyone can
// guess, and loads what it finds there: another user could leave a library of
// theirs, and of two processes one could load what the other is still writing.

// Whether there is a folder for them that nobody else can write to. Where there
// is none, as where there is no compiler, functions are called as they are.
bool may_compile_kernels(napi_env env);

} // namespace mlxjs
