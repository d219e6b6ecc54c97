// The emulated machine: takes the place of engine/base/cpu_detection.cpp in the program emulated_tests. It has every level, if the real one
// has AVX2, on which the emulation stands: AVX-512 and VNNI by compilation (avx512.hpp), AMX by signal.
#include "engine/base/cpu_detection.hpp"
#include "tests/engine/kernels/emulated/tile_instructions.hpp"

namespace titrate {

bool detect(Isa isa) {
  if (isa == Isa::scalar) return true;
  if (isa == Isa::amx) kernels::emulate_tile_instructions();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
}

bool detect(Extension extension) { return detect(extension == Extension::amx_bf16 ? Isa::amx : Isa::vnni); }

}  // namespace titrate
