// AMX on processors without it: its instructions raise SIGILL (also where Linux has not granted tiles), and a handler does what they say
// in Intel's manual, volume 2, with registers of its own for each thread. So the very machine code of igemm/amx.cpp and bf16_gemm/amx.cpp
// runs in the tests.
#pragma once

namespace titrate::kernels {

/// Installs the handler, for the whole process; once. Knows LDTILECFG, TILERELEASE, TILELOADD, TILESTORED, TDPBUSD and TDPBF16PS. What the
/// processor would refuse (a configuration that is none, a tile that is not configured) ends the process with a message.
void emulate_tile_instructions();

/// Instructions done so far, in all threads.
[[nodiscard]] unsigned long emulated_tile_instructions();

}  // namespace titrate::kernels
