#include "engine/quant/statistics_collector.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/quant/regrouped_values.hpp"

namespace titrate::engine {

StatisticsCollector::StatisticsCollector(const Graph& graph, bool histograms) : slot_of_(graph.values.size(), -1), histograms_(histograms) {
  for (const KeptValue& kept : graph.kept) {
    int& slot = slot_of_[static_cast<std::size_t>(kept.value)];
    if (slot < 0) {
      slot = static_cast<int>(channels_.size());
      channels_.push_back(static_cast<std::size_t>(kept.channels));
      names_.emplace_back();
    }
    names_[static_cast<std::size_t>(slot)].push_back(kept.name);
  }
  statistics_.resize(channels_.size());
  find_parts(graph);
}

// Numbers that were looked at where they were computed need not be looked at again where they were joined.
void StatisticsCollector::find_parts(const Graph& graph) {
  parts_.resize(channels_.size());
  const std::vector<std::vector<ValueId>> regrouped = regrouped_values(graph);
  const auto slot_of = [&](ValueId id) { return slot_of_[static_cast<std::size_t>(id)]; };
  for (const Node& node : graph.nodes) {
    for (const ValueId id : node.outputs) {
      if (id == ValueId::none || slot_of(id) < 0) continue;
      const std::vector<ValueId>& sources = regrouped[static_cast<std::size_t>(id)];
      if (!std::ranges::all_of(sources, [&](ValueId source) { return slot_of(source) >= 0; })) continue;
      for (const ValueId source : sources) {
        const auto slot = static_cast<std::size_t>(slot_of(source));
        std::vector<std::size_t>& parts = parts_[static_cast<std::size_t>(slot_of(id))];
        if (parts_[slot].empty())
          parts.push_back(slot);
        else
          parts.insert(parts.end(), parts_[slot].begin(), parts_[slot].end());
      }
    }
  }
}

StatisticsCollector::Worker::Worker(const StatisticsCollector& collector) : collector_(&collector) {
  if (collector.histograms_) histograms_.resize(collector.statistics_.size());
}

void StatisticsCollector::Worker::begin(Extents& extents) {
  extents.assign(collector_->statistics_.size(), {});
  extents_ = &extents;
}

void StatisticsCollector::Worker::observe(ValueId id, const Tensor& tensor) {
  const int slot = collector_->slot_of_[static_cast<std::size_t>(id)];
  if (slot < 0 || tensor.type() != DataType::float32) return;
  const auto index = static_cast<std::size_t>(slot);
  if (!collector_->parts_[index].empty()) {
    (*extents_)[index] = extent_of_parts(index);
    return;
  }
  const std::size_t channels = collector_->channels_[index];
  (*extents_)[index] = extent_of_range(channels == 0 ? add(index, tensor.data<float>()) : add_blocks(index, tensor, channels));
}

SampleExtent StatisticsCollector::Worker::extent_of_parts(std::size_t slot) const {
  SampleExtent extent;
  for (const std::size_t part : collector_->parts_[slot]) extent = joined(extent, (*extents_)[part]);
  return extent;
}

ops::FloatRange StatisticsCollector::Worker::add(std::size_t slot, std::span<const float> numbers) {
  return histograms_.empty() ? ops::range_of(numbers) : histograms_[slot].add(numbers);
}

// [images, blocks, rows, columns, lanes]: full blocks as they lie; of the last one what is behind the channels is left out.
ops::FloatRange StatisticsCollector::Worker::add_blocks(std::size_t slot, const Tensor& tensor, std::size_t channels) {
  const Shape& shape = tensor.shape();
  const auto lanes = static_cast<std::size_t>(shape[4]);
  const std::size_t rest = channels % lanes;
  const std::span<const float> numbers = tensor.data<float>();
  if (rest == 0) return add(slot, numbers);
  const auto pixels = static_cast<std::size_t>(shape[2] * shape[3]);
  const std::size_t full = channels / lanes * pixels * lanes;
  const auto images = static_cast<std::size_t>(shape[0]);
  ops::FloatRange range;
  rest_.resize(pixels * rest);
  for (std::size_t image = 0; image < images; ++image) {
    const std::span<const float> blocks = numbers.subspan(image * (full + pixels * lanes), full + pixels * lanes);
    for (std::size_t pixel = 0; pixel < pixels; ++pixel)
      std::memcpy(rest_.data() + pixel * rest, blocks.data() + full + pixel * lanes, rest * sizeof(float));
    range = joined(range, joined(add(slot, blocks.first(full)), add(slot, rest_)));
  }
  return range;
}

void StatisticsCollector::add(const Extents& extents) {
  for (std::size_t index = 0; index < extents.size(); ++index) statistics_[index].add(extents[index]);
}

void StatisticsCollector::add(const Worker& worker) {
  for (std::size_t index = 0; index < worker.histograms_.size(); ++index) {
    worker.histograms_[index].add_to(statistics_[index].histogram);
    for (const std::size_t part : parts_[index]) worker.histograms_[part].add_to(statistics_[index].histogram);
  }
}

CalibrationStatistics StatisticsCollector::take() {
  CalibrationStatistics result;
  for (std::size_t slot = 0; slot < names_.size(); ++slot) {
    for (std::size_t index = 1; index < names_[slot].size(); ++index) result.emplace(names_[slot][index], statistics_[slot]);
    result.emplace(names_[slot][0], std::move(statistics_[slot]));
  }
  return result;
}

}  // namespace titrate::engine
