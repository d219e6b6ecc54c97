#include "benchmarks/beside/titrate_entry.hpp"

#include <chrono>
#include <utility>

#include "tuner/thread_limit.hpp"

namespace titrate::benchmarks {
namespace {

// What turns values into another layout and back: in a network it stands at the edges only.
bool is_reordering(const engine::Node& node) { return node.type == "Transpose" || node.type == "ToBlocks" || node.type == "FromBlocks"; }

class Ours final : public Contender {
 public:
  Ours(const std::shared_ptr<const engine::Plan>& plan, std::vector<engine::Tensor> inputs, int threads, bool kernels)
      : plan_(plan), executor_(plan), inputs_(std::move(inputs)), threads_(threads), kernels_(kernels) {}

  void run() override {
    const ThreadLimit limit(threads_);
    if (!kernels_) {
      (void)executor_.run(inputs_);
      return;
    }
    double milliseconds = 0;
    const auto timer = [&](std::size_t node, engine::Executor::Clock::time_point begin, engine::Executor::Clock::time_point end) {
      if (!is_reordering(plan_->graph().nodes[node])) milliseconds += std::chrono::duration<double, std::milli>(end - begin).count();
    };
    (void)executor_.run(inputs_, {}, timer);
    in_kernels_.push_back(milliseconds);
  }

  std::vector<double> times(std::vector<double> clocked) override { return kernels_ ? in_kernels_ : clocked; }

 private:
  std::shared_ptr<const engine::Plan> plan_;
  engine::Executor executor_;
  std::vector<engine::Tensor> inputs_;
  int threads_;
  bool kernels_;
  std::vector<double> in_kernels_;
};

}  // namespace

std::unique_ptr<Contender> titrate_contender(std::shared_ptr<const engine::Plan> plan, std::vector<engine::Tensor> inputs, int threads,
                                             bool kernels) {
  return std::make_unique<Ours>(plan, std::move(inputs), threads, kernels);
}

}  // namespace titrate::benchmarks
