#pragma once

namespace mlxjs {

// On the CPU, MLX compiles the kernels of mx.compile with the system's
// compiler, into a folder under the temporary directory that everyone can
// guess, and loads what it finds there: another user could leave a library of
// theirs, and of two processes one could load what the other is still writing.
// So each process gets a folder of its own, which starts with links to the
// user's store of finished kernels, and what it compiles moves there.

// From now on evaluations use the folder.
void use_kernel_folder();

// Evaluations are scoped by this: meanwhile, the folder is the temporary
// directory. It costs a branch until use_kernel_folder().
class KernelFolder {
 public:
  KernelFolder();
  ~KernelFolder();
  KernelFolder(const KernelFolder&) = delete;

 private:
  bool entered_;
};

// At the end of the process.
void remove_kernel_folder();

} // namespace mlxjs
