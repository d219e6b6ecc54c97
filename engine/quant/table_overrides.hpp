// Embeddings in the configs that titrate brings along.
#pragma once

#include "engine/config/config.hpp"
#include "engine/graph/graph.hpp"

namespace titrate::engine {

/// The config with an override by which the tables of lookups (Gather) get the scheme of the whole, "rtn() | type:Gather = rtn()", or 8
/// bits with one scale a row where that is static_int8. Unchanged if the graph has no table that can be quantized, an override chooses one
/// already, or the scheme has no form for tables (float, dynamic_int8). `prepared` comes from prepare_float_model().
[[nodiscard]] Config with_tables(const Config& config, const Graph& prepared);

}  // namespace titrate::engine
