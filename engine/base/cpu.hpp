// Which instruction sets this machine has, and which one the kernels use.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace titrate {

/// Levels of instruction sets, each with everything of those before. `scalar` is what the compiler emits without any flag.
enum class Isa { scalar, avx2, avx512, vnni, amx };

[[nodiscard]] std::string_view name_of(Isa isa);
[[nodiscard]] std::optional<Isa> isa_named(std::string_view name);

/// Whether this machine can run code of the level. avx2 means AVX2, FMA and F16C; avx512 means the F, BW, DQ and VL subsets on top; vnni
/// means AVX512-VNNI; amx means AMX-TILE and AMX-INT8, and that Linux lets this process use tiles.
[[nodiscard]] bool machine_has(Isa isa);
/// What not every machine of a level has: AVX512-BF16 on top of vnni, AMX-BF16 on top of amx.
enum class Extension { avx512_bf16, amx_bf16 };
[[nodiscard]] bool machine_has(Extension extension);

/// The levels that this machine can run, lowest first.
[[nodiscard]] std::span<const Isa> runnable_isas();

/// The level that kernels are picked for: the best that the machine has, or what the environment variable TITRATE_ISA names (read once).
/// Throws Error(usage) if that is unknown or cannot run here.
[[nodiscard]] Isa selected_isa();

/// The level that `wanted` (null or empty: no wish) selects on this machine; selected_isa() without the environment.
[[nodiscard]] Isa isa_for(const char* wanted);

/// What the processor calls itself ("Intel(R) Xeon(R) Processor @ 2.50GHz"), or "unknown".
[[nodiscard]] std::string processor_name();

}  // namespace titrate
