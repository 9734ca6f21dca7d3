# How a port's sources are compiled. Its Makefile sets these, names its default goal, and includes
# this:
#
#   FIRMWARE        the folder firmware/
#   OBJECT_FOLDER   where objects go
#   SOURCES         C and assembly, of the port, the agent, the runtime; or of a test
#   CC, CFLAGS      the compiler and its flags; EXTRA of an object are more of them
#   FLAGS_BESIDES   what else compiles all anew when it changes; may be empty
#   IDENTITY, REVISION   compiler with the flags that matter, and commit: what the agent says it is
#
# It gives $(OBJECTS), and $(call object,SOURCE) for one of them. Objects lie as the sources do below
# firmware/; a source from elsewhere lies at the top.
object = $(OBJECT_FOLDER)/$(if $(filter $(FIRMWARE)/%,$(1)),$(patsubst $(FIRMWARE)/%,%,$(1)),$(notdir $(1))).o
OBJECTS := $(foreach source,$(SOURCES),$(call object,$(source)))

# An object's own flags stand in one of the makefiles.
MAKEFILES_READ := $(MAKEFILE_LIST)

define compile
$(call object,$(1)): $(1) $(OBJECT_FOLDER)/flags $(MAKEFILES_READ)
	@mkdir -p $$(@D)
	@$(CC) $$(CFLAGS) $$(EXTRA) -c $$< -o $$@
endef
$(foreach source,$(SOURCES),$(eval $(call compile,$(source))))

# Rewritten only when they change: other flags compile all anew, another revision what names it.
$(OBJECT_FOLDER)/flags: CONTENT = $(IDENTITY) $(CFLAGS) $(FLAGS_BESIDES)
$(OBJECT_FOLDER)/revision: CONTENT = $(REVISION)
$(OBJECT_FOLDER)/flags $(OBJECT_FOLDER)/revision: force
	@mkdir -p $(@D)
	@echo '$(CONTENT)' | cmp -s - $@ || echo '$(CONTENT)' > $@
.PHONY: force
$(call object,$(FIRMWARE)/agent/capabilities.c): $(OBJECT_FOLDER)/revision
$(call object,$(FIRMWARE)/agent/capabilities.c): EXTRA += -DJSA_BUILD='"$(IDENTITY), $(REVISION)"'

-include $(OBJECTS:.o=.d)
