// Runs a function over samples on several threads, so that results do not depend on their number.
#pragma once

#include <cstdint>
#include <functional>

namespace titrate {

/// Says how far a loop is, and asks whether to go on.
struct LoopControl {
  int threads = 1;
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};  ///< called by one thread at a time, after each block
  std::function<bool()> cancelled = {};                                      ///< true: give up with Error(interrupted)
};

/// Samples [0, count) in blocks: `run(worker, index)` by any of `threads` workers (0-based) at once, then `finish(index)` for each sample
/// of the block in order, by one thread. The first exception, by sample, ends the loop and is thrown.
void for_each_sample(std::int64_t count, const LoopControl& control, const std::function<void(int worker, std::int64_t index)>& run,
                     const std::function<void(std::int64_t index)>& finish);

}  // namespace titrate
