// Runs a float or QDQ graph. A Plan is prepared once and shared; each thread runs it through an Executor of its own.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "engine/graph/graph.hpp"
#include "engine/ops/operator.hpp"

namespace titrate::engine {

/// Every node prepared: attributes parsed, weights packed, constants folded. Immutable. Throws Error(invalid) listing every operator it
/// does not know.
class Plan {
 public:
  explicit Plan(const Model& model);
  ~Plan();
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  [[nodiscard]] const Graph& graph() const;  ///< the model's graph; ids below are its ids

  struct Parts;
  [[nodiscard]] const Parts& parts() const { return *parts_; }

 private:
  std::unique_ptr<const Parts> parts_;
};

/// Runs a plan, one call at a time; keeps its buffers between calls. Results do not depend on the number of threads.
class Executor {
 public:
  explicit Executor(std::shared_ptr<const Plan> plan);
  ~Executor();
  Executor(Executor&&) noexcept;

  /// Called with each value that a run computes (not constants), in order of computation; the tensor is valid during the call only.
  using Observer = std::function<void(ValueId, const Tensor&)>;

  /// Called after each node that runs (folded ones do not), with the node's place in Graph::nodes and when it began and ended.
  using Clock = std::chrono::steady_clock;
  using Timer = std::function<void(std::size_t node, Clock::time_point begin, Clock::time_point end)>;

  /// Feeds graph.inputs in their order and returns graph.outputs in theirs. Throws Error(invalid) where types, ranks or sizes do not fit.
  /// No clock is read without a timer.
  [[nodiscard]] std::vector<Tensor> run(std::span<const Tensor> inputs, const Observer& observer = {}, const Timer& timer = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace titrate::engine
