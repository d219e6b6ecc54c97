#include "engine/quant/finetune/train_block.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <random>

namespace titrate::engine {
namespace {

constexpr std::int64_t held_out_one_in = 5;
// Samples that make a step: an eighth of all, so that few samples make several steps too.
constexpr std::size_t least_batch = 2;
constexpr std::size_t most_batch = 16;

class Trainer {
 public:
  explicit Trainer(const BlockTraining& training) : training_(training), steps_(training.graph), forward_(without_gradients(steps_)) {
    for (std::int64_t sample = 0; sample < training.count; ++sample) (is_held_out(sample) ? held_out_ : seen_).push_back(sample);
    batch_ = std::clamp(seen_.size() / 8, least_batch, most_batch);
    for (const LearnedConstant* learned : training.learned) gradients_.emplace_back(static_cast<std::size_t>(learned->value().elements()));
  }

  TrainingResult train() {
    TrainingResult result{.before = held_out_loss(), .after = std::numeric_limits<double>::quiet_NaN()};
    const std::size_t batches = (seen_.size() + batch_ - 1) / batch_;
    const int total = training_.epochs * static_cast<int>(batches);
    int step = 0;
    for (int epoch = 0; epoch < training_.epochs; ++epoch) {
      shuffle();
      for (std::size_t batch = 0; batch < batches; ++batch) {
        const std::size_t begin = batch * batch_;
        const auto samples = std::span(seen_).subspan(begin, std::min(batch_, seen_.size() - begin));
        if (!std::isfinite(descend(samples, rate_at(step, total), step + 1))) return result;
        ++step;
      }
    }
    result.after = held_out_loss();
    return result;
  }

 private:
  // Falls along half a cosine to 0.
  [[nodiscard]] float rate_at(int step, int total) const {
    const double progress = static_cast<double>(step) / total;
    return static_cast<float>(training_.rate * 0.5 * (1 + std::cos(progress * std::numbers::pi)));
  }

  // By Fisher and Yates; std::shuffle differs between libraries.
  void shuffle() {
    for (std::size_t last = seen_.size(); last > 1; --last) std::swap(seen_[last - 1], seen_[random_() % last]);
  }

  void put_constants(TrainingGraph& graph) const {
    for (std::size_t index = 0; index < training_.learned.size(); ++index)
      graph.model.graph[graph.constants[index]].constant = std::make_shared<const Tensor>(training_.learned[index]->value());
  }

  double descend(std::span<const std::int64_t> samples, float rate, int step) {
    put_constants(steps_);
    for (std::vector<float>& gradient : gradients_) std::fill(gradient.begin(), gradient.end(), 0.0F);
    double loss = 0;
    const float share = 1 / static_cast<float>(samples.size());
    training_.samples.run(
        steps_.model, std::ssize(samples), [&](std::int64_t index) { return training_.feed(samples[static_cast<std::size_t>(index)]); },
        [&](std::int64_t, const std::vector<Tensor>& outputs) {
          loss += static_cast<double>(outputs[0].data<float>()[0]);
          for (std::size_t index = 0; index < gradients_.size(); ++index) add(outputs[index + 1], share, gradients_[index]);
        });
    if (!std::isfinite(loss) || !all_finite()) return std::numeric_limits<double>::quiet_NaN();
    for (std::size_t index = 0; index < gradients_.size(); ++index) training_.learned[index]->descend(gradients_[index], rate, step);
    return loss;
  }

  static void add(const Tensor& terms, float share, std::vector<float>& sums) {
    const auto elements = terms.data<float>();
    for (std::size_t index = 0; index < sums.size(); ++index) sums[index] += share * elements[index];
  }

  [[nodiscard]] bool all_finite() const {
    return std::ranges::all_of(gradients_, [](const std::vector<float>& gradient) {
      return std::ranges::all_of(gradient, [](float number) { return std::isfinite(number); });
    });
  }

  double held_out_loss() {
    put_constants(forward_);
    double loss = 0;
    training_.samples.run(
        forward_.model, std::ssize(held_out_),
        [&](std::int64_t index) { return training_.feed(held_out_[static_cast<std::size_t>(index)]); },
        [&](std::int64_t, const std::vector<Tensor>& outputs) { loss += static_cast<double>(outputs[0].data<float>()[0]); });
    return loss / static_cast<double>(held_out_.size());
  }

  const BlockTraining& training_;
  TrainingGraph steps_;
  TrainingGraph forward_;
  std::vector<std::int64_t> seen_;
  std::vector<std::int64_t> held_out_;
  std::size_t batch_ = 1;
  std::vector<std::vector<float>> gradients_;
  std::mt19937 random_{1};
};

}  // namespace

bool is_held_out(std::int64_t sample) { return sample % held_out_one_in == held_out_one_in - 1; }

TrainingResult train_block(const BlockTraining& training) { return Trainer(training).train(); }

}  // namespace titrate::engine
