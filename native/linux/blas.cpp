// libmlx for Linux links the reference BLAS and LAPACK, fifty times slower
// than OpenBLAS. The dynamic linker looks for their symbols in the addon
// before it reaches those libraries, so the addon exports them and passes each
// call on to OpenBLAS, whose build for NumPy and SciPy prefixes its names.
//
// A jump passes on whatever arguments there are.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>

#include "openblas.h"

namespace {

// The number of processors' worth of time that the control group allows.
double processors() {
  double quota = 0, period = 0;
  std::string text;
  // Version 2 of control groups; "max" is no number.
  if (std::ifstream("/sys/fs/cgroup/cpu.max") >> text >> period) {
    quota = std::atof(text.c_str());
  } else {
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota;
    std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period
                                 : std::numeric_limits<double>::infinity();
}

bool is_set(std::initializer_list<const char*> variables) {
  return std::any_of(variables.begin(), variables.end(), [](auto name) {
    return std::getenv(name) != nullptr;
  });
}

// OpenBLAS takes all processors for a product, and its threads wait for each
// other while they spin: one that has to wait for its processor makes all of
// them lose time, several times what the product takes. JavaScript builds the
// next graph meanwhile, so one processor is left to it, and a container's share
// of processor time counts, which OpenBLAS does not look at.
void set_threads(int most) {
  auto all = std::min<double>(std::ceil(processors()), most);
  scipy_openblas_set_num_threads(std::max(1, static_cast<int>(all) - 1));
}

// The loader's (lib/core/call/open.ts), which says that only until something
// is computed.
bool is_one_for_now(const char* threads) {
  return threads && std::string_view(threads) == "1 until mlx-js computes";
}

struct ThreadLimit {
  // Whether there are to be more. Looked at here, since variables may change
  // while another thread computes.
  bool is_for_now = false;

  ThreadLimit() {
    if (is_set({"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"})) {
      return;
    }
    set_threads(scipy_openblas_get_num_threads());
    is_for_now = !is_set({"GOTO_NUM_THREADS"}) &&
        is_one_for_now(std::getenv("OPENBLAS_DEFAULT_NUM_THREADS"));
  }
} thread_limit;

#if defined(__aarch64__)
// On a processor with Arm's matrix extension (SME), OpenBLAS 0.3.34 takes
// kernels for it. In the wheel, the one for alpha and beta that are not 1 and 0
// is an empty function, which says so on stderr; and products with a transposed
// matrix are wrong where a vector of the extension has 128 or 256 bits. So it
// gets the kernels of a processor without it, unless the user chose some.
struct WithoutMatrixExtension {
  WithoutMatrixExtension() {
    const char* variable = "OPENBLAS_CORETYPE";
    if (std::getenv(variable) ||
        scipy_openblas_get_corename() != std::string("armv9sme")) {
      return;
    }
    // Read in the call alone: processes that this one starts do not get it.
    setenv(variable, "NEOVERSEN1", 1);
    gotoblas_dynamic_quit();
    gotoblas_dynamic_init();
    unsetenv(variable);
  }
} without_matrix_extension;
#endif

} // namespace

namespace mlxjs {

void start_threads() {
  static const bool started = [] {
    if (thread_limit.is_for_now) {
      set_threads(scipy_openblas_get_num_procs());
    }
    return true;
  }();
  static_cast<void>(started);
}

} // namespace mlxjs

#if defined(__x86_64__)
#define JUMP "jmp scipy_"
#define SUFFIX "@PLT\n"
#elif defined(__aarch64__)
#define JUMP "b scipy_"
#define SUFFIX "\n"
#else
#error "OpenBLAS is wired up for x86-64 and for 64-bit Arm"
#endif

#define FORWARD(name)                                               \
  asm(".text\n.globl " #name "\n.type " #name ", %function\n" #name \
      ":\n" JUMP #name SUFFIX ".size " #name ", .-" #name "\n");

// MLX multiplies vectors, too, as matrices of one row. OpenBLAS copies the
// other matrix then, to read it once: with a language model that is half of the
// time.
extern "C" __attribute__((visibility("default"))) void cblas_sgemm(
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
    int c_stride) {
  bool is_row = m == 1, is_column = n == 1;
  if (order != row_major || (!is_row && !is_column)) {
    scipy_cblas_sgemm(
        order,
        transpose_a,
        transpose_b,
        m,
        n,
        k,
        alpha,
        a,
        a_stride,
        b,
        b_stride,
        beta,
        c,
        c_stride);
    return;
  }
  // As a column: y = Ax, or for a row, y = Bᵀx.
  auto matrix = is_row ? b : a;
  auto stride = is_row ? b_stride : a_stride;
  bool turned = is_row ? transpose_b == as_it_is : transpose_a == transposed;
  auto length = is_row ? n : m;
  auto x = is_row ? a : b;
  auto x_stride = is_row ? (transpose_a == as_it_is ? 1 : a_stride)
                         : (transpose_b == as_it_is ? b_stride : 1);
  auto y_stride = is_row ? 1 : c_stride;
  // What is there may be NaN, and zero times that is NaN, too.
  if (beta == 0) {
    for (ptrdiff_t i = 0; i < length; i++) {
      c[i * y_stride] = 0;
    }
    beta = 1;
  }
  scipy_cblas_sgemv(
      order,
      turned ? transposed : as_it_is,
      turned ? k : length,
      turned ? length : k,
      alpha,
      matrix,
      stride,
      x,
      x_stride,
      beta,
      c,
      y_stride);
}

FORWARD(cblas_dgemm)
FORWARD(cblas_cgemm)
FORWARD(sgeev_)
FORWARD(dgeev_)
FORWARD(cgeev_)
FORWARD(sgesdd_)
FORWARD(dgesdd_)
FORWARD(cgesdd_)
FORWARD(ssyevd_)
FORWARD(dsyevd_)
FORWARD(cheevd_)
FORWARD(sgeqrf_)
FORWARD(dgeqrf_)
FORWARD(sorgqr_)
FORWARD(dorgqr_)
FORWARD(sgetrf_)
FORWARD(dgetrf_)
FORWARD(sgetri_)
FORWARD(dgetri_)
FORWARD(spotrf_)
FORWARD(dpotrf_)
FORWARD(strtri_)
FORWARD(dtrtri_)
