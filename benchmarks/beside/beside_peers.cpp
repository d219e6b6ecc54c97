// Measures titrate beside ONNX Runtime, oneDNN and Eigen, in turns. One JSON object a line on stdout.
//   beside_peers versions
//   beside_peers kernels    [OPTIONS]
//   beside_peers model NAME TYPE FILE.onnx [--batch N] [OPTIONS]
//   beside_peers contention [FILE.onnx ...] [OPTIONS]
// OPTIONS: --threads N, --rounds N, --seconds S (of a turn), --filter TEXT (kernels).
// ONNX Runtime is found through TITRATE_ORT_MODULES, a folder with node_modules/onnxruntime-node.
#include <omp.h>

#include <cstdio>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "benchmarks/beside/onednn.hpp"
#include "benchmarks/beside/rows.hpp"
#include "engine/base/cpu.hpp"
#include "engine/base/error.hpp"

namespace titrate::benchmarks {
namespace {

struct Words {
  std::vector<std::string> plain;
  RowOptions options;
  std::int64_t batch = 1;
};

Words parse(const std::vector<std::string>& words) {
  Words parsed;
  for (std::size_t index = 0; index < words.size(); ++index) {
    const std::string& word = words[index];
    if (!word.starts_with("--")) {
      parsed.plain.push_back(word);
      continue;
    }
    if (index + 1 == words.size()) throw_usage(word + " needs a value");
    const std::string& value = words[++index];
    if (word == "--threads")
      parsed.options.threads = std::stoi(value);
    else if (word == "--rounds")
      parsed.options.turns.rounds = std::stoi(value);
    else if (word == "--seconds")
      parsed.options.turns.seconds = std::stod(value);
    else if (word == "--filter")
      parsed.options.filter = value;
    else if (word == "--batch")
      parsed.batch = std::stoll(value);
    else
      throw_usage("there is no option " + word);
  }
  return parsed;
}

void print_row(const nlohmann::ordered_json& row) {
  std::cout << row.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace) << '\n' << std::flush;
}

int main_of(const std::vector<std::string>& arguments) {
  Words words = parse(arguments);
  RowOptions& options = words.options;
  options.print = print_row;
  omp_set_num_threads(options.threads);  // oneDNN takes it from here
  // GCC's threads spin for some milliseconds behind a parallel region.
  options.turns.pause_ms = options.threads > 1 ? 12 : 1;
  std::optional<OnnxRuntime> onnxruntime;
  const std::string library = find_onnxruntime();
  if (library.empty())
    options.no_onnxruntime = "not found: TITRATE_ORT_MODULES does not lead to it";
  else
    onnxruntime.emplace(library);
  if (onnxruntime) options.onnxruntime = &*onnxruntime;
  const std::string what = words.plain.empty() ? "" : words.plain[0];
  if (what == "versions") {
    print_row({{"kind", "versions"},
               {"isa", name_of(selected_isa())},
               {"processor", processor_name()},
               {"onnxruntime", onnxruntime ? nlohmann::ordered_json(onnxruntime->version()) : nlohmann::ordered_json(nullptr)},
               {"onednn", onednn_version().empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(onednn_version())}});
  } else if (what == "kernels" && words.plain.size() == 1) {
    kernel_rows(options);
  } else if (what == "model" && words.plain.size() == 4) {
    options.turns.cpu_clock = options.threads == 1;
    model_row(options, words.plain[1], words.plain[2], words.plain[3], words.batch);
  } else if (what == "contention") {
    contention_rows(options, {words.plain.begin() + 1, words.plain.end()});
  } else {
    std::fputs("beside_peers versions | kernels | model NAME TYPE FILE.onnx | contention [FILE.onnx ...]; see its source\n", stderr);
    return 2;
  }
  return 0;
}

}  // namespace
}  // namespace titrate::benchmarks

int main(int count, char** words) {
  try {
    return titrate::benchmarks::main_of({words + 1, words + count});
  } catch (const titrate::Error& error) {
    std::fprintf(stderr, "beside_peers: %s\n", error.what());
    return static_cast<int>(error.code());
  } catch (const std::exception& error) {
    std::fprintf(stderr, "beside_peers: %s\n", error.what());
    return 1;
  }
}
