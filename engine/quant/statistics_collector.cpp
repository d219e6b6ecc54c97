#include "engine/quant/statistics_collector.hpp"

#include <set>
#include <utility>

#include "engine/quant/activation_placement.hpp"

namespace titrate::engine {

StatisticsCollector::StatisticsCollector(const Graph& graph, bool histograms, const Target& target)
    : StatisticsCollector(graph, histograms, observed_values(graph, target)) {}

StatisticsCollector::StatisticsCollector(const Graph& graph, bool histograms, const std::set<std::string>& observed)
    : slot_of_(graph.values.size(), -1), histograms_(histograms) {
  for (std::size_t index = 0; index < graph.values.size(); ++index) {
    if (!observed.contains(graph.values[index].name)) continue;
    slot_of_[index] = static_cast<int>(names_.size());
    names_.push_back(graph.values[index].name);
  }
  statistics_.resize(names_.size());
}

StatisticsCollector::Worker::Worker(const StatisticsCollector& collector) : collector_(&collector) {
  if (collector.histograms_) histograms_.resize(collector.names_.size());
}

void StatisticsCollector::Worker::begin(Extents& extents) {
  extents.assign(collector_->names_.size(), {});
  extents_ = &extents;
}

void StatisticsCollector::Worker::observe(ValueId id, const Tensor& tensor) {
  const int slot = collector_->slot_of_[static_cast<std::size_t>(id)];
  if (slot < 0 || tensor.type() != DataType::float32) return;
  const auto index = static_cast<std::size_t>(slot);
  const std::span<const float> numbers = tensor.data<float>();
  (*extents_)[index] = histograms_.empty() ? extent_of(numbers) : extent_of_range(histograms_[index].add_thinned(numbers));
}

void StatisticsCollector::add(const Extents& extents) {
  for (std::size_t index = 0; index < extents.size(); ++index) statistics_[index].add(extents[index]);
}

void StatisticsCollector::add(Worker worker) {
  for (std::size_t index = 0; index < worker.histograms_.size(); ++index)
    statistics_[index].histogram.merge(std::move(worker.histograms_[index]));
}

CalibrationStatistics StatisticsCollector::take() {
  CalibrationStatistics result;
  for (std::size_t index = 0; index < names_.size(); ++index) result.emplace(names_[index], std::move(statistics_[index]));
  return result;
}

}  // namespace titrate::engine
