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
int scipy_openblas_get_num_threads();
void scipy_openblas_set_num_threads(int count);
#if defined(__aarch64__)
char* scipy_openblas_get_corename();
void gotoblas_dynamic_init();
void gotoblas_dynamic_quit();
#endif
}
