// Where candidates are written before they are measured, and how the best one reaches the user's path.
#pragma once

#include <filesystem>

#include "engine/base/temporary_folder.hpp"
#include "engine/graph/graph.hpp"

namespace titrate {

/// Candidates lie in a temporary folder that goes with the object.
class CandidateStore {
 public:
  /// `output`: the user's path; candidates have its file name.
  explicit CandidateStore(std::filesystem::path output);

  /// Where the current candidate lies.
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / output_.filename(); }
  /// Puts a model to the user's path, whole or not at all.
  void publish(const engine::Model& model) const;
  /// Throws Error if the user's path cannot be written to, before any work is done.
  void check_output() const;

 private:
  std::filesystem::path output_;
  TemporaryFolder folder_;
};

}  // namespace titrate
