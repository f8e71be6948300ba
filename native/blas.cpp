// libmlx for Linux links the reference BLAS and LAPACK, fifty times slower
// than OpenBLAS. The dynamic linker looks for their symbols in the addon
// before it reaches those libraries, so the addon exports them and passes each
// call on to OpenBLAS, whose build for NumPy and SciPy prefixes its names.
//
// A jump passes on whatever arguments there are.

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
