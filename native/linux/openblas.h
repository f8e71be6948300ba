#pragma once

// What the addon calls of OpenBLAS's build for NumPy and SciPy.

enum Order { row_major = 101 };
enum Transpose { as_it_is = 111, transposed = 112 };

extern "C" {
void scipy_cblas_sgemm(
    Order order,
    Transpose transpose_a,
    Transpose transpose_b,
    int m,
    int n,
    int k,
    float alpha,
    const float* a,
    int a_stride,
    const float* b,
    int b_stride,
    float beta,
    float* c,
    int c_stride);
void scipy_cblas_sgemv(
    Order order,
    Transpose transpose,
    int rows,
    int columns,
    float alpha,
    const float* a,
    int a_stride,
    const float* x,
    int x_stride,
    float beta,
    float* y,
    int y_stride);
int scipy_openblas_get_num_procs();
int scipy_openblas_get_num_threads();
void scipy_openblas_set_num_threads(int count);
#if defined(__aarch64__)
char* scipy_openblas_get_corename();
void gotoblas_dynamic_init();
void gotoblas_dynamic_quit();
#endif
}

namespace mlxjs {

// OpenBLAS makes a thread for each processor as it is loaded, and each of them
// spins for some 25 ms. The loader has it make none (lib/core/call/native.ts);
// this makes those that products need, unless the user has said how many.
void start_threads();

} // namespace mlxjs
