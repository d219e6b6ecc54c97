// ONNX Runtime as a witness: runs models in it through ort_run.mjs. Present where TITRATE_ORT_MODULES names a folder that holds
// node_modules/onnxruntime-node (npm install onnxruntime-node@1.30.0 --ignore-scripts).
#pragma once

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "datasets/npy.hpp"
#include "engine/onnx/write.hpp"

namespace titrate::witness {

struct OrtRun {
  engine::Model model;
  std::vector<engine::Tensor> inputs;  ///< of graph.inputs in their order
};

struct OrtResult {
  std::string error;  ///< what ONNX Runtime said against it; empty: it ran
  std::vector<engine::Tensor> outputs;
};

inline bool has_onnxruntime() {
  const char* modules = std::getenv("TITRATE_ORT_MODULES");
  return modules != nullptr && std::filesystem::exists(std::filesystem::path(modules) / "node_modules" / "onnxruntime-node");
}

inline const char* how_to_get_onnxruntime() {
  return "set TITRATE_ORT_MODULES to a folder in which `npm install onnxruntime-node@1.30.0 --ignore-scripts` was run";
}

/// A folder under the system's temporary folder that goes with this object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "titrate-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// All runs in one process. Results in the order of the runs; empty if the process itself failed.
inline std::vector<OrtResult> run_in_onnxruntime(const std::vector<OrtRun>& runs) {
  const TemporaryFolder folder;
  nlohmann::json jobs = {{"runs", nlohmann::json::array()}};
  const auto write_bytes = [](const std::filesystem::path& path, const std::vector<std::byte>& bytes) {
    std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  };
  for (std::size_t index = 0; index < runs.size(); ++index) {
    const std::filesystem::path place = folder.path() / std::to_string(index);
    std::filesystem::create_directories(place);
    write_bytes(place / "model.onnx", engine::write_model(runs[index].model));
    nlohmann::json inputs = nlohmann::json::object();
    for (std::size_t input = 0; input < runs[index].inputs.size(); ++input) {
      const std::filesystem::path file = place / ("in" + std::to_string(input) + ".npy");
      write_bytes(file, npy_bytes(runs[index].inputs[input]));
      inputs[runs[index].model.graph[runs[index].model.graph.inputs[input]].name] = file.string();
    }
    jobs["runs"].push_back({{"model", (place / "model.onnx").string()}, {"inputs", inputs}, {"outputs", (place / "out").string()}});
  }
  std::ofstream(folder.path() / "jobs.json") << jobs.dump();
  const std::string said = (folder.path() / "said.json").string();
  const std::string command = std::string("node '") + TITRATE_SOURCE_DIR + "/tests/witness/ort_run.mjs' '" +
                              (folder.path() / "jobs.json").string() + "' > '" + said + "'";
  if (std::system(command.c_str()) != 0) return {};
  const nlohmann::json answers = nlohmann::json::parse(std::ifstream(said));
  std::vector<OrtResult> results(runs.size());
  for (std::size_t index = 0; index < runs.size(); ++index) {
    if (!answers.at(index).is_null()) {
      results[index].error = answers.at(index).get<std::string>();
      continue;
    }
    for (std::size_t output = 0; output < runs[index].model.graph.outputs.size(); ++output) {
      results[index].outputs.push_back(read_npy(folder.path() / std::to_string(index) / "out" / (std::to_string(output) + ".npy")));
    }
  }
  return results;
}

}  // namespace titrate::witness
