// Several programs for the same work, measured in turns within one run, so that whatever else the machine does hits all of them alike.
#pragma once

#include <memory>
#include <string>
#include <vector>

namespace titrate::benchmarks {

/// One way to do the work.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual void run() = 0;
  /// Given what a clock around each run() showed, in milliseconds and in order: the times that count. Called once, after the last run.
  virtual std::vector<double> times(std::vector<double> clocked) { return clocked; }
};

struct Entry {
  std::string name;                      ///< "titrate", "onnxruntime", "onednn", "eigen"
  std::unique_ptr<Contender> contender;  ///< null: cannot do it
  std::string remark;                    ///< why not, or which implementation runs
};

struct Turns {
  int rounds = 9;
  double seconds = 0.05;   ///< of one turn; at least one run
  bool cpu_clock = false;  ///< CPU time of the calling thread, which leaves out being preempted; else wall time. For one thread only.
  double pause_ms = 2;     ///< between turns: threads of the one before may spin for some milliseconds
};

struct Figures {
  double median = 0;
  double low = 0;   ///< 10th percentile
  double high = 0;  ///< 90th percentile
};

struct Outcome {
  std::string name;
  std::string remark;
  bool ran = false;
  Figures milliseconds;  ///< of one run
  int runs = 0;
  /// Time of this one / time of the first entry, round by round: above 1 the first one is faster.
  Figures ratio;
};

[[nodiscard]] Figures figures_of(std::vector<double> numbers);

/// In each round every contender has its turn, in an order that is turned around from round to round.
[[nodiscard]] std::vector<Outcome> take_turns(std::vector<Entry>& entries, const Turns& turns);

}  // namespace titrate::benchmarks
