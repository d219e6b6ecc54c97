#include "engine/base/cpu_detection.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace titrate {
namespace {

#if defined(__x86_64__) && defined(__linux__)
// Tiles are 8 KB of state that Linux saves only for processes that ask (Documentation/arch/x86/xstate.rst); asking again changes nothing.
bool may_use_tiles() {
  constexpr int request_permission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int tile_data = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}
#else
bool may_use_tiles() { return false; }
#endif

}  // namespace

bool detect(Isa isa) {
#if defined(__x86_64__)
  switch (isa) {
    case Isa::scalar:
      return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    case Isa::avx512:
      return detect(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case Isa::vnni:
      return detect(Isa::avx512) && __builtin_cpu_supports("avx512vnni");
    case Isa::amx:
      return detect(Isa::vnni) && __builtin_cpu_supports("amx-tile") && __builtin_cpu_supports("amx-int8") && may_use_tiles();
  }
#endif
  return isa == Isa::scalar;
}

// CPUID leaf 7: AVX512-BF16 is bit 5 of EAX in sub-leaf 1, AMX-BF16 bit 22 of EDX in sub-leaf 0. libgcc reads both.
bool detect([[maybe_unused]] Extension extension) {
#if defined(__x86_64__)
  switch (extension) {
    case Extension::avx512_bf16:
      return detect(Isa::vnni) && __builtin_cpu_supports("avx512bf16");
    case Extension::amx_bf16:
      return detect(Isa::amx) && __builtin_cpu_supports("amx-bf16");
  }
#endif
  return false;
}

}  // namespace titrate
