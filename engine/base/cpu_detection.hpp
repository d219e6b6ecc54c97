// What processor and operating system allow, asked of them. Apart from cpu.hpp so that the tests can put an emulated machine in its place.
#pragma once

#include "engine/base/cpu.hpp"

namespace titrate {

/// Whether code of the level runs here. Asks anew each time; for amx it asks Linux for the right to use tiles, which then holds for every
/// thread of the process. machine_has() remembers the answers.
[[nodiscard]] bool detect(Isa isa);
/// The same for what not every machine of a level has.
[[nodiscard]] bool detect(Extension extension);

}  // namespace titrate
