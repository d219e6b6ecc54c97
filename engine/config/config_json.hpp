// Configs as JSON: what a config file holds. Apart from config.hpp, so that only who needs it includes the JSON library.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "engine/config/config.hpp"

namespace titrate {

/// {"stages":[{"stage":"equalize"}],"scheme":"rtn","sym":false,"overrides":[{"type":"Gemm","scheme":"float"}]}: what the canonical text
/// says, in its order. Names that are not valid UTF-8 have to be escaped by whoever prints it.
[[nodiscard]] nlohmann::ordered_json config_json(const Config& config);

/// {"configs":[...]}, which parse_config_set reads back.
[[nodiscard]] std::string to_json_text(std::span<const Config> configs);

/// Every scheme: {"name","what","fields":[{"name","type","allowed","default","values","help"}]}; values only where they can be listed.
[[nodiscard]] nlohmann::ordered_json schemes_json();
/// Every stage, likewise.
[[nodiscard]] nlohmann::ordered_json stages_json();

}  // namespace titrate
