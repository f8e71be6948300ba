// libmlx for Linux links the reference BLAS and LAPACK, fifty times slower
// than OpenBLAS. The dynamic linker looks for their symbols in the addon
// before it reaches those libraries, so the addon exports them and passes each
// call on to OpenBLAS, whose build for NumPy and SciPy prefixes its names.
//
// A jump passes on whatever arguments there are.

// OpenBLAS starts a thread for each processor, and each waits for the others
// while it spins. In a container that may use only some processor time, all of
// them spin that time away, so there are as many as it has processors' worth.

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>

extern "C" int scipy_openblas_get_num_threads();
extern "C" void scipy_openblas_set_num_threads(int count);

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

struct ThreadLimit {
  ThreadLimit() {
    if (std::getenv("OPENBLAS_NUM_THREADS") || std::getenv("OMP_NUM_THREADS")) {
      return;
    }
    auto allowed = std::ceil(processors());
    if (allowed < scipy_openblas_get_num_threads()) {
      scipy_openblas_set_num_threads(static_cast<int>(allowed));
    }
  }
} thread_limit;

} // namespace

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

FORWARD(cblas_sgemm)
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
