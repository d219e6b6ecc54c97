// SIGINT and SIGTERM: the first asks the work to stop, the second ends the program at once.
#pragma once

namespace titrate::cli {

void install_interrupt_handlers();
[[nodiscard]] bool interrupted();

}  // namespace titrate::cli
