#include "engine/base/cpu.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

constexpr Isa levels[] = {Isa::scalar, Isa::avx2, Isa::avx512, Isa::vnni, Isa::amx};

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

}  // namespace

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return "scalar";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::vnni:
      return "vnni";
    case Isa::amx:
      return "amx";
  }
  return "unknown";
}

std::optional<Isa> isa_named(std::string_view name) {
  for (const Isa isa : levels) {
    if (name_of(isa) == name) return isa;
  }
  return std::nullopt;
}

std::span<const Isa> runnable_isas() {
  static const std::vector<Isa> runnable = [] {
    std::vector<Isa> found;
    for (const Isa isa : levels) {
      if (detect(isa)) found.push_back(isa);
    }
    return found;
  }();
  return runnable;
}

bool machine_has(Isa isa) {
  for (const Isa runnable : runnable_isas()) {
    if (runnable == isa) return true;
  }
  return false;
}

Isa isa_for(const char* wanted) {
  if (wanted == nullptr || *wanted == '\0') return runnable_isas().back();
  const std::optional<Isa> isa = isa_named(wanted);
  if (!isa) throw_usage(cat("TITRATE_ISA=", visible(wanted), " is no instruction set"), {}, "use scalar, avx2, avx512, vnni or amx");
  if (!machine_has(*isa)) {
    throw_usage(cat("this machine cannot run TITRATE_ISA=", name_of(*isa)), {},
                cat("the best it has is ", name_of(runnable_isas().back())));
  }
  return *isa;
}

Isa selected_isa() {
  static const Isa selected = isa_for(std::getenv("TITRATE_ISA"));
  return selected;
}

std::string processor_name() {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("model name")) return std::string(trim(line.substr(line.find(':') + 1)));
  }
  return "unknown";
}

}  // namespace titrate
