// Every config in the order of the list. The history is the cursor: the first config that is not in it comes next.
#include "strategies/table.hpp"
#include "strategies/trial_index.hpp"

namespace titrate {

namespace {

class Exhaustive final : public Strategy {
 public:
  [[nodiscard]] std::optional<Config> next(const Space& space, std::span<const TrialRecord> history, const Goal& /*goal*/,
                                           std::uint64_t /*seed*/) const override {
    const TrialIndex tried(history);
    for (const Config& config : space.configs) {
      if (tried.find(config) == nullptr) return config;
    }
    return std::nullopt;
  }
};

}  // namespace

std::unique_ptr<Strategy> make_exhaustive() { return std::make_unique<Exhaustive>(); }

}  // namespace titrate
