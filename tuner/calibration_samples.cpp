#include "tuner/calibration_samples.hpp"

#include <memory>
#include <utility>
#include <vector>

#include "engine/run/executor.hpp"

namespace titrate {
namespace {

void run(const engine::Model& model, std::int64_t count, const engine::FeedSample& feed, const engine::TakeOutputs& take,
         const LoopControl& control) {
  const auto plan = std::make_shared<const engine::Plan>(model);
  std::vector<engine::Executor> executors;
  for (int worker = 0; worker < control.threads; ++worker) executors.emplace_back(plan);
  std::vector<std::vector<engine::Tensor>> outputs(static_cast<std::size_t>(count));
  for_each_sample(
      count, control,
      [&](int worker, std::int64_t sample) {
        outputs[static_cast<std::size_t>(sample)] = executors[static_cast<std::size_t>(worker)].run(feed(sample));
      },
      [&](std::int64_t sample) { take(sample, std::exchange(outputs[static_cast<std::size_t>(sample)], {})); });
}

}  // namespace

engine::CalibrationSamples calibration_samples(const Dataset& data, const LoopControl& control) {
  const LoopControl quiet{.threads = control.threads, .progress = {}, .cancelled = control.cancelled};
  return {.count = data.size(),
          .feed = [&data](std::int64_t sample) { return data.sample(sample); },
          .run = [quiet](const engine::Model& model, std::int64_t count, const engine::FeedSample& feed,
                         const engine::TakeOutputs& take) { run(model, count, feed, take, quiet); },
          .cancelled = control.cancelled};
}

}  // namespace titrate
