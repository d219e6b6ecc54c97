// Where the build found no oneDNN.
#include "benchmarks/beside/onednn.hpp"

namespace titrate::benchmarks {

Entry onednn_entry(const KernelCase& /*kernel*/, KernelType /*type*/) {
  return {.name = "onednn", .contender = nullptr, .remark = "not built in: install libdnnl-dev and configure again"};
}

std::string onednn_version() { return {}; }

}  // namespace titrate::benchmarks
