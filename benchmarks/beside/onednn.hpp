// oneDNN 2.x (Debian's libdnnl-dev) on the kernel cases.
#pragma once

#include <memory>

#include "benchmarks/beside/cases.hpp"
#include "benchmarks/beside/measure.hpp"

namespace titrate::benchmarks {

/// Weights in the layout that the primitive prefers; activations of products row by row, those of convolutions as it prefers. Its threads
/// are OpenMP's. Without a contender where oneDNN has no such kernel, or where the build has no oneDNN; the remark says which.
[[nodiscard]] Entry onednn_entry(const KernelCase& kernel, KernelType type);

/// "2.6.3", or "" if the build has none.
[[nodiscard]] std::string onednn_version();

}  // namespace titrate::benchmarks
