#include "engine/base/cpu.hpp"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "engine/base/cpu_detection.hpp"
#include "engine/base/error.hpp"
#include "engine/base/text.hpp"

namespace titrate {
namespace {

constexpr Isa levels[] = {Isa::scalar, Isa::avx2, Isa::avx512, Isa::vnni, Isa::amx};

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

bool machine_has(Extension extension) {
  static const bool has_avx512_bf16 = detect(Extension::avx512_bf16);
  static const bool has_amx_bf16 = detect(Extension::amx_bf16);
  return extension == Extension::avx512_bf16 ? has_avx512_bf16 : has_amx_bf16;
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
