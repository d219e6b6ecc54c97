// Fills the statistics of all kept values of a graph in one pass over the calibration samples. Samples may run on several threads; the
// result does not depend on it, nor on the order in which the numbers of a value come: who runs in blocks of channels finds what planes
// find.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/quant/observers/histogram_counter.hpp"
#include "engine/quant/observers/value_statistics.hpp"

namespace titrate::engine {

class StatisticsCollector {
 public:
  /// Observes Graph::kept. Without histograms only the ranges are kept, which is faster.
  StatisticsCollector(const Graph& graph, bool histograms);

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
    [[nodiscard]] SampleExtent extent_of_parts(std::size_t slot) const;
    ops::FloatRange add(std::size_t slot, std::span<const float> numbers);
    ops::FloatRange add_blocks(std::size_t slot, const Tensor& tensor, std::size_t channels);

    const StatisticsCollector* collector_;
    Extents* extents_ = nullptr;
    std::vector<HistogramCounter> histograms_;  // by slot
    std::vector<float> rest_;                   // the channels of a block that is not full
  };

  /// In the order of the samples.
  void add(const Extents& extents);
  /// In any order, once for each worker at the end.
  void add(const Worker& worker);
  [[nodiscard]] CalibrationStatistics take();

 private:
  void find_parts(const Graph& graph);

  std::vector<int> slot_of_;                     // by value id; -1: not observed
  std::vector<std::size_t> channels_;            // by slot: of a value in blocks, else 0
  std::vector<std::vector<std::size_t>> parts_;  // by slot: those whose numbers it holds; none: its own are looked at
  std::vector<std::vector<std::string>> names_;  // by slot: several names may stand for the same numbers
  bool histograms_;
  std::vector<ValueStatistics> statistics_;  // by slot
};

}  // namespace titrate::engine
