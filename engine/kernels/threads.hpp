// How kernels use threads: over independent outputs only, so that results do not depend on how many there are.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>

namespace titrate::kernels {

/// How many threads a parallel loop started here may use: 1 inside another parallel region.
[[nodiscard]] inline int thread_count() { return omp_in_parallel() != 0 ? 1 : omp_get_max_threads(); }

/// Calls body(index, thread) for 0 <= index < count, thread < thread_count(); body must not throw. Which thread takes which index is open:
/// handed out in pieces, so that a core that another process takes away does not hold up the rest.
template <class Body>
void parallel_for(std::size_t count, const Body& body) {
  const int threads = thread_count();
  if (threads == 1 || count <= 1) {
    for (std::size_t index = 0; index < count; ++index) body(index, std::size_t{0});
    return;
  }
  constexpr std::size_t pieces_per_thread = 8;
  const std::size_t piece = std::max<std::size_t>(1, count / (static_cast<std::size_t>(threads) * pieces_per_thread));
#pragma omp parallel for schedule(dynamic, piece) num_threads(threads)
  for (std::size_t index = 0; index < count; ++index) body(index, static_cast<std::size_t>(omp_get_thread_num()));
}

}  // namespace titrate::kernels
