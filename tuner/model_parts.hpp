// What the public Model holds.
#pragma once

#include <memory>
#include <mutex>

#include "engine/graph/graph.hpp"
#include "engine/run/executor.hpp"
#include "tuner/titrate.hpp"

namespace titrate {

struct Model::Parts {
  engine::Model model;
  std::filesystem::path file;  ///< where it was read from; empty: made here
  std::uint64_t size_bytes = 0;

  /// Prepared when it is first run.
  [[nodiscard]] std::shared_ptr<const engine::Plan> plan() const;

 private:
  mutable std::once_flag prepared_;
  mutable std::shared_ptr<const engine::Plan> plan_;
};

/// A public model of an engine model that was made here.
[[nodiscard]] Model make_model(engine::Model model);

}  // namespace titrate
