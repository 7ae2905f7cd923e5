//! What changes of applications have in common: grants cover the application as it is and as it is to be.

use servertree_kernel::domain::Precondition;
use servertree_kernel::message::Message;
use servertree_kernel::problem::Failure;
use servertree_kernel::uow::WriteUow;

use super::find_application::ApplicationView;
use crate::domain::{Application, ApplicationId, ApplicationRepository};
use crate::error::Error;

impl dyn ApplicationRepository + '_ {
    /// The application as it is, for a caller who may do to it what they want to.
    pub async fn get_to_change(
        &self,
        id: ApplicationId,
        precondition: &Precondition,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<Application, Failure> {
        let application = self.get(id, uow).await?;
        // First: who may not know of it does not learn its revision, either.
        message.access.permit(|| ApplicationView::from(&application), Error::NotFound(id))?;
        precondition.require(application.revision())?;
        Ok(application)
    }

    /// Stores it as it is to be, if the caller may make it that.
    pub async fn save_change(
        &self,
        application: &mut Application,
        uow: &mut WriteUow,
        message: &Message,
    ) -> Result<ApplicationView, Failure> {
        let view = ApplicationView::from(&*application);
        message.access.permit_result(|| &view)?;
        self.save(application, uow).await?;
        Ok(view)
    }
}
