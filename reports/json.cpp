#include "reports/json_document.hpp"
#include "reports/table.hpp"

namespace titrate {

std::string render_json(const StudyRecord& study, const ReportOptions&) { return trials_json(study); }

}  // namespace titrate
