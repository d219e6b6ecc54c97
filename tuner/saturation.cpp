#include "tuner/saturation.hpp"

#include <algorithm>
#include <memory>

#include "engine/passes/lower.hpp"
#include "engine/passes/saturate_products.hpp"
#include "engine/run/executor.hpp"

namespace titrate {
namespace {

// Elements whose bytes differ.
std::int64_t differences(const engine::Tensor& one, const engine::Tensor& other) {
  const std::size_t width = one.elements() == 0 ? 1 : one.bytes().size() / static_cast<std::size_t>(one.elements());
  std::int64_t count = 0;
  for (std::size_t at = 0; at + width <= one.bytes().size(); at += width)
    count += std::ranges::equal(one.bytes().subspan(at, width), other.bytes().subspan(at, width)) ? 0 : 1;
  return count;
}

}  // namespace

std::vector<NodeSaturation> measure_saturation(const engine::Model& model, const Dataset& data, std::int64_t samples,
                                               const LoopControl& control) {
  engine::Model lowered = model;
  (void)engine::lower(lowered);
  const engine::SaturationProbe probe = engine::probe_saturation(std::move(lowered));
  std::vector<NodeSaturation> total;
  for (const auto& pair : probe.pairs) total.push_back({.name = pair.node});
  if (total.empty()) return total;
  const auto plan = std::make_shared<const engine::Plan>(probe.model);
  std::vector<engine::Executor> executors;
  for (int worker = 0; worker < control.threads; ++worker) executors.emplace_back(plan);
  const std::int64_t count = std::min(samples, data.size());
  std::vector<std::vector<NodeSaturation>> found(static_cast<std::size_t>(count), total);
  const auto run = [&](int worker, std::int64_t index) {
    const std::vector<engine::Tensor> outputs = executors[static_cast<std::size_t>(worker)].run(data.sample(index));
    for (std::size_t at = 0; at < probe.pairs.size(); ++at) {
      NodeSaturation& own = found[static_cast<std::size_t>(index)][at];
      own.outputs = outputs[probe.pairs[at].exact].elements();
      own.changed = differences(outputs[probe.pairs[at].exact], outputs[probe.pairs[at].saturated]);
    }
  };
  for_each_sample(count, control, run, [&](std::int64_t index) {
    for (std::size_t at = 0; at < total.size(); ++at) {
      total[at].outputs += found[static_cast<std::size_t>(index)][at].outputs;
      total[at].changed += found[static_cast<std::size_t>(index)][at].changed;
    }
  });
  return total;
}

}  // namespace titrate
