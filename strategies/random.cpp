// Every config once, in an order drawn from the seed: under a small budget a fair sample of a large space.
#include "strategies/permutation.hpp"
#include "strategies/table.hpp"
#include "strategies/trial_index.hpp"

namespace titrate {

namespace {

class Random final : public Strategy {
 public:
  [[nodiscard]] std::optional<Config> next(const Space& space, std::span<const TrialRecord> history, const Goal& /*goal*/,
                                           std::uint64_t seed) const override {
    const TrialIndex tried(history);
    for (const std::size_t index : permutation(space.configs.size(), seed)) {
      if (tried.find(space.configs[index]) == nullptr) return space.configs[index];
    }
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<Strategy> make_random() { return std::make_unique<Random>(); }

}  // namespace titrate
