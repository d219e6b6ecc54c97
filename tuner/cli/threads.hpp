// How many threads a command uses.
#pragma once

#include <omp.h>

namespace titrate::cli {

/// What was asked for; 0: one for each processor.
[[nodiscard]] inline int thread_count(int asked) { return asked > 0 ? asked : omp_get_num_procs(); }

}  // namespace titrate::cli
