// Fills the statistics of all observed values in one pass over the calibration samples. Samples may run on several threads; the result does
// not depend on it. Histograms count a part of large activations (observers/thinning.hpp); ranges are those of all numbers.
#pragma once

#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/observers/value_statistics.hpp"
#include "engine/quant/targets/read_target.hpp"

namespace titrate::engine {

class StatisticsCollector {
 public:
  /// Observes observed_values() of the graph. Without histograms only the ranges are kept, which is faster.
  StatisticsCollector(const Graph& graph, bool histograms, const Target& target = default_target());
  /// Observes the values of these names.
  StatisticsCollector(const Graph& graph, bool histograms, const std::set<std::string>& observed);

  /// What one thread collects of one sample. Give each thread its own Worker and each sample its own Extents.
  using Extents = std::vector<SampleExtent>;
  class Worker {
   public:
    explicit Worker(const StatisticsCollector& collector);
    /// Begins a sample, whose extents go to `extents`.
    void begin(Extents& extents);
    /// To be called for every value of a run, and for the graph inputs.
    void observe(ValueId id, const Tensor& tensor);

   private:
    friend class StatisticsCollector;
    const StatisticsCollector* collector_;
    Extents* extents_ = nullptr;
    std::vector<StreamingHistogram> histograms_;
  };

  /// In the order of the samples.
  void add(const Extents& extents);
  /// In any order, once for each worker at the end.
  void add(Worker worker);
  [[nodiscard]] CalibrationStatistics take();

 private:
  std::vector<int> slot_of_;  // by value id; -1: not observed
  std::vector<std::string> names_;
  bool histograms_;
  std::vector<ValueStatistics> statistics_;
};

}  // namespace titrate::engine
