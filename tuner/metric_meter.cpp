#include "tuner/metric_meter.hpp"

#include <optional>
#include <utility>

#include "tuner/evaluation.hpp"

namespace titrate {
namespace {

class MetricMeter final : public Meter {
 public:
  MetricMeter(const MetricRow& metric, std::shared_ptr<const Dataset> data, std::shared_ptr<const engine::Plan> float_plan)
      : metric_(metric), data_(std::move(data)), float_plan_(std::move(float_plan)) {}

  [[nodiscard]] std::string name() const override { return std::string(metric_.name); }
  [[nodiscard]] bool higher_is_better() const override { return metric_.higher_is_better; }
  [[nodiscard]] bool measures_data() const override { return true; }

  [[nodiscard]] Measurement measure(const Candidate& candidate, const LoopControl& control) override {
    if (metric_.needs_reference && !reference_) reference_.emplace(float_plan_, *data_, control);
    const Evaluation evaluation = evaluate(candidate.plan, *data_, metric_, reference_ ? &*reference_ : nullptr, control);
    return {.value = evaluation.value, .samples = evaluation.samples, .correct = evaluation.correct};
  }

 private:
  const MetricRow& metric_;
  std::shared_ptr<const Dataset> data_;
  std::shared_ptr<const engine::Plan> float_plan_;
  std::optional<ReferenceOutputs> reference_;
};

}  // namespace

std::unique_ptr<Meter> make_metric_meter(const MetricRow& metric, std::shared_ptr<const Dataset> data,
                                         std::shared_ptr<const engine::Plan> float_plan) {
  return std::make_unique<MetricMeter>(metric, std::move(data), std::move(float_plan));
}

}  // namespace titrate
