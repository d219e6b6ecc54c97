#include "benchmarks/beside/measure.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <numeric>
#include <thread>

namespace titrate::benchmarks {
namespace {

using Clock = std::chrono::steady_clock;

double thread_cpu_ms() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return 1e3 * static_cast<double>(now.tv_sec) + 1e-6 * static_cast<double>(now.tv_nsec);
}

double wall_ms() { return std::chrono::duration<double, std::milli>(Clock::now().time_since_epoch()).count(); }

double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// The mean between the quartiles: as robust as needed, and finer than the microseconds in which ONNX Runtime counts.
double middle(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  const std::size_t cut = numbers.size() / 4;
  const auto first = numbers.begin() + static_cast<std::ptrdiff_t>(cut);
  const auto last = numbers.end() - static_cast<std::ptrdiff_t>(cut);
  return std::accumulate(first, last, 0.0) / static_cast<double>(last - first);
}

// What one contender did in all rounds.
struct Record {
  std::vector<double> clocked;
  std::vector<bool> counts;         // false: the run that warms up a turn
  std::vector<std::size_t> begins;  // of each turn, in `clocked`
};

void take_turn(Contender& contender, const Turns& turns, Record& record) {
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(turns.pause_ms));
  record.begins.push_back(record.clocked.size());
  // A log of every run is kept (ONNX Runtime's profile too), so very short work ends a turn early.
  constexpr std::size_t most_runs = 1500;
  const double end = wall_ms() + 1e3 * turns.seconds;
  for (std::size_t run = 0; run < 2 || (run < most_runs && wall_ms() < end); ++run) {
    const double begin = turns.cpu_clock ? thread_cpu_ms() : wall_ms();
    contender.run();
    record.clocked.push_back((turns.cpu_clock ? thread_cpu_ms() : wall_ms()) - begin);
    record.counts.push_back(run > 0);
  }
}

// The middle of each turn; all times that count go to `all`.
std::vector<double> turn_times(const Record& record, const std::vector<double>& times, std::vector<double>& all) {
  std::vector<double> middles;
  for (std::size_t turn = 0; turn < record.begins.size(); ++turn) {
    const std::size_t end = turn + 1 < record.begins.size() ? record.begins[turn + 1] : times.size();
    std::vector<double> counted;
    for (std::size_t run = record.begins[turn]; run < end; ++run) {
      if (record.counts[run]) counted.push_back(times[run]);
    }
    all.insert(all.end(), counted.begin(), counted.end());
    middles.push_back(middle(std::move(counted)));
  }
  return middles;
}

}  // namespace

Figures figures_of(std::vector<double> numbers) {
  std::sort(numbers.begin(), numbers.end());
  return {.median = quantile(numbers, 0.5), .low = quantile(numbers, 0.1), .high = quantile(numbers, 0.9)};
}

std::vector<Outcome> take_turns(std::vector<Entry>& entries, const Turns& turns) {
  std::vector<Record> records(entries.size());
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  for (int round = 0; round < turns.rounds; ++round) {
    for (const std::size_t index : order) {
      if (entries[index].contender) take_turn(*entries[index].contender, turns, records[index]);
    }
    std::reverse(order.begin(), order.end());
  }
  std::vector<Outcome> outcomes;
  std::vector<double> first;
  for (std::size_t index = 0; index < entries.size(); ++index) {
    Outcome outcome;
    outcome.name = entries[index].name;
    outcome.remark = entries[index].remark;
    if (entries[index].contender) {
      std::vector<double> all;
      const std::vector<double> middles = turn_times(records[index], entries[index].contender->times(records[index].clocked), all);
      if (index == 0) first = middles;
      outcome.ran = true;
      outcome.runs = static_cast<int>(all.size());
      outcome.milliseconds = figures_of(all);
      outcome.milliseconds.median = figures_of(middles).median;
      std::vector<double> ratios;
      for (std::size_t round = 0; round < first.size(); ++round) ratios.push_back(middles[round] / first[round]);
      if (!ratios.empty()) outcome.ratio = figures_of(ratios);
    }
    outcomes.push_back(std::move(outcome));
  }
  return outcomes;
}

}  // namespace titrate::benchmarks
